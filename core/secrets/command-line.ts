const operators = ["|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1"];

/**
 * The words of a command, quoted with ' or " as in a shell; a backslash is a character like any other.
 * `undefined` for an unfinished quote, and for an operator that only a shell would understand.
 */
export function commandWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  for (const [word] of text.matchAll(/(?:"[^"]*"?|'[^']*'?|[^\s"'])+/g)) {
    const parts = word.match(/"[^"]*"?|'[^']*'?|[^"']+/g) ?? [];
    if (parts.some((part) => /^["']/.test(part) && (part.length === 1 || part.at(-1) !== part[0]))) return undefined;
    if (operators.includes(word)) return undefined;
    words.push(parts.map((part) => (/^["']/.test(part) ? part.slice(1, -1) : part)).join(""));
  }
  return words.length === 0 || words[0] === "" || text.includes("\0") ? undefined : words;
}
