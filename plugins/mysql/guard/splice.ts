/** A piece of text that takes the place of another. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A text, and the parts of it that this driver wrote. */
export interface Rendered {
  readonly text: string;
  readonly own: readonly Splice[];
}

/** `own` tells where the pieces stand in the text that comes of it. */
export function applied(text: string, splices: readonly Splice[]): Rendered {
  const own: Splice[] = [];
  let result = "";
  let at = 0;
  // A place that is read twice is written once.
  const unique = new Map(splices.map((splice) => [`${splice.start} ${splice.end} ${splice.text}`, splice]));
  for (const { start, end, text: replacement } of [...unique.values()].sort((a, b) => a.start - b.start)) {
    result += text.slice(at, start);
    own.push({ start: result.length, end: result.length + replacement.length, text: replacement });
    result += replacement;
    at = end;
  }
  return { text: result + text.slice(at), own };
}
