/** SQLite's own tokens, near enough to find words, ends and parameters outside strings and comments. NBSP is a letter to it, a byte order mark blank. */
const tokens =
  /[ \t\n\f\r\ufeff]+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*(?:''[^']*)*'?|"[^"]*(?:""[^"]*)*"?|`[^`]*(?:``[^`]*)*`?|\[[^\]]*\]?|\?\d*|[:@#$](?:[\w$\u0080-\uffff]|::)+(?:\([^\s)]*\))?|[\w\u0080-\uffff][\w$\u0080-\uffff]*|[\s\S]/g;

export interface Token {
  readonly text: string;
  /** Lower case, for comparing. */
  readonly word: string;
  readonly start: number;
}

export function tokensOf(sql: string): Token[] {
  const found: Token[] = [];
  for (const { 0: text, index } of sql.matchAll(tokens)) {
    if (!/^(?:[ \t\n\f\r\ufeff]|--|\/\*)/.test(text)) found.push({ text, word: text.toLowerCase(), start: index });
  }
  return found;
}
