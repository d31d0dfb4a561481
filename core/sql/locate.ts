import { didYouMean } from "../problem.ts";

const keywords = (
  "select from where group order having limit offset join left right inner outer cross union intersect except values with recursive " +
  "insert update delete into set create table view index drop alter explain describe distinct between like null case when then else end"
).split(" ");

/** Says where a character offset is, as people count: `line 2, column 7`. */
export function place(sql: string, position: number): string {
  const before = sql.slice(0, position).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Suggests a keyword for the word at an offset that the engine could not read; `undefined` when none is near. */
export function nearKeyword(sql: string, position: number): string | undefined {
  const [word = ""] = /^[a-z_]+/i.exec(sql.slice(position)) ?? [];
  const near = word.length < 3 || keywords.includes(word.toLowerCase()) ? [] : keywords;
  return didYouMean(word, near);
}
