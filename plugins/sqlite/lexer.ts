/** What SQLite takes for nothing between statements: a byte order mark is, NBSP is not (to SQLite that is a letter). */
const blank = /(?:[ \t\n\f\r\ufeff;]+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))*/y;

/** SQLite's own tokens, near enough to find a word outside strings and comments. */
const tokens =
  /[ \t\n\f\r\ufeff]+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*(?:''[^']*)*'?|"[^"]*(?:""[^"]*)*"?|`[^`]*(?:``[^`]*)*`?|\[[^\]]*\]?|[:@#$](?:[\w$\u0080-\uffff]|::)+(?:\([^\s)]*\))?|[\w\u0080-\uffff][\w$\u0080-\uffff]*|[\s\S]/g;

export interface Token {
  readonly text: string;
  readonly start: number;
}

/** Where the first token of a statement stands, from `start`; the text's length when there is none. */
export function skipBlank(sql: string, start = 0): number {
  blank.lastIndex = start;
  blank.test(sql);
  return blank.lastIndex;
}

export function* tokensOf(sql: string): Generator<Token> {
  for (const match of sql.matchAll(tokens)) {
    if (!/^(?:[ \t\n\f\r\ufeff]|--|\/\*)/.test(match[0])) yield { text: match[0], start: match.index };
  }
}

/** The named parameters as they are written, prefix included, each once. */
export function parameterNames(sql: string): string[] {
  if (!/[:@$]/.test(sql)) return [];
  return [...new Set([...tokensOf(sql)].map(({ text }) => text).filter((text) => /^[:@$]./.test(text)))];
}
