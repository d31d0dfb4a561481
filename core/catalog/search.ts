import type { CatalogObject } from "../contract/catalog.ts";
import { nearest } from "../problem.ts";
import { likelyNear } from "./near.ts";

export interface SearchHit {
  readonly object: CatalogObject;
  /** The columns that matched by name or comment, in table order. */
  readonly columns: readonly string[];
}

/** From best to worst; 0 is no match. */
const grades = { exact: 6, prefix: 5, part: 4, inside: 3, comment: 2, near: 1 } as const;

interface Term {
  readonly text: string;
  grade(name: string): number;
  readonly comments: boolean;
}

interface Match {
  readonly score: number;
  readonly columns: ReadonlySet<string>;
}

/**
 * The objects that match most of the words, best first: exact name, then prefix, part of a name,
 * anywhere in a name, comment; table names before column names. A word with `%` is a LIKE pattern
 * over whole names. A word that is found nowhere stands for the names it most resembles. Words
 * beyond the twelfth are not looked at.
 */
export function search(objects: readonly CatalogObject[], words: string): readonly SearchHit[] {
  const wanted = [...new Set(words.toLowerCase().split(/\s+/).filter(Boolean))].slice(0, 12);
  const originals = new Map(words.split(/\s+/).map((word) => [word.toLowerCase(), word]));
  let vocabulary: Vocabulary | undefined;
  const found = wanted.map((word) => {
    const direct = matchesOf(objects, nameTerm(word, originals.get(word) ?? word));
    if (direct.size > 0 || word.includes("%")) return direct;
    vocabulary ??= vocabularyOf(objects);
    return matchesOf(objects, nearTerm(word, vocabulary));
  });
  const ranked = objects.flatMap((object) => {
    const matches = found.flatMap((byObject) => byObject.get(object) ?? []);
    if (matches.length === 0) return [];
    const names = new Set(matches.flatMap((match) => [...match.columns]));
    const columns = (object.columns ?? []).filter((column) => names.has(column.name)).map((column) => column.name);
    return [{ object, columns, matched: matches.length, score: matches.reduce((sum, match) => sum + match.score, 0) }];
  });
  const most = ranked.reduce((best, hit) => Math.max(best, hit.matched), 0);
  return ranked
    .filter((hit) => hit.matched === most)
    .sort((a, b) => b.score - a.score)
    .map(({ object, columns }) => ({ object, columns }));
}

function matchesOf(objects: readonly CatalogObject[], term: Term): Map<CatalogObject, Match> {
  const matches = new Map<CatalogObject, Match>();
  for (const object of objects) {
    const columns = new Set<string>();
    let score = Math.max(scoreOf(term, object.name, object.comment, 2), dotted(term, object));
    for (const column of object.columns ?? []) {
      const columnScore = scoreOf(term, column.name, column.comment, 0);
      if (columnScore === 0) continue;
      columns.add(column.name);
      score = Math.max(score, columnScore);
    }
    if (score > 0) matches.set(object, { score, columns });
  }
  return matches;
}

/** The grade decides; then a table's name counts more than a column's; then how much of the name the word covers. */
function scoreOf(term: Term, name: string, comment: string | undefined, bonus: number): number {
  const grade = term.grade(name);
  if (grade > 0) return grade * 4 + bonus + Math.min(1, term.text.length / name.length);
  return term.comments && comment?.toLowerCase().includes(term.text) ? grades.comment * 4 + bonus : 0;
}

function dotted(term: Term, { schema, name }: CatalogObject): number {
  return schema !== undefined && term.text.includes(".") ? scoreOf(term, `${schema}.${name}`, undefined, 2) : 0;
}

function nameTerm(text: string, original: string): Term {
  if (text.includes("%")) return { text, comments: false, grade: (name) => (like(name.toLowerCase(), text) ? grades.exact : 0) };
  const parts = partsOf(original);
  const joined = parts.length > 1 ? parts.join("") : undefined;
  const singular = text.length > 3 && text.endsWith("s") ? text.slice(0, -1) : undefined;
  const grade = (name: string): number => {
    const lower = name.toLowerCase();
    const whole = gradeOf(text, name, lower);
    if (whole > 0) return whole;
    if (joined !== undefined && lower.replace(/[^\p{L}\p{N}]/gu, "").includes(joined)) return grades.part;
    if (singular !== undefined) return Math.min(grades.part, gradeOf(singular, name, lower));
    return text.includes("_") && like(lower, text) ? grades.inside : 0;
  };
  return { text, comments: true, grade };
}

function gradeOf(text: string, name: string, lower: string): number {
  const first = lower.indexOf(text);
  if (first < 0) return 0;
  if (first === 0) return lower.length === text.length ? grades.exact : grades.prefix;
  for (let at = first; at >= 0; at = lower.indexOf(text, at + 1)) if (startsPart(name, at)) return grades.part;
  return grades.inside;
}

/** Whether a new word begins at `at`: after a separator, or where `camelCase` and `digits9` turn. */
function startsPart(name: string, at: number): boolean {
  return /^(?:[^\p{L}\p{N}].|\p{Ll}[\p{Lu}\p{N}]|\p{N}\p{L}|\p{L}\p{N})$/u.test(name.slice(at - 1, at + 1));
}

/** `customerID2_name` → customer, id, 2, name. */
function partsOf(name: string): string[] {
  return (name.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{M}]+|\p{N}+|[\p{Lo}\p{Lm}\p{M}]+/gu) ?? []).map((part) => part.toLowerCase());
}

/** Every name with its lower case and the parts it is made of. */
type Vocabulary = ReadonlyMap<string, readonly string[]>;

function vocabularyOf(objects: readonly CatalogObject[]): Vocabulary {
  const vocabulary = new Map<string, readonly string[]>();
  const add = (name: string) => vocabulary.has(name) || vocabulary.set(name, [name.toLowerCase(), ...partsOf(name)]);
  for (const { name, columns = [] } of objects) {
    add(name);
    for (const column of columns) add(column.name);
  }
  return vocabulary;
}

/** Stands for the names, and parts of names, that `word` most resembles. */
function nearTerm(word: string, vocabulary: Vocabulary): Term {
  const near = new Set(nearest(word, new Set([...vocabulary.values()].flat().filter(likelyNear(word)))));
  return { text: word, comments: false, grade: (name) => (vocabulary.get(name)?.some((text) => near.has(text)) ? grades.near : 0) };
}

/** SQL's LIKE over a whole text, in time proportional to both lengths whatever the pattern. */
function like(text: string, pattern: string): boolean {
  let at = 0;
  let wanted = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[wanted] === "%") {
      star = wanted++;
      resume = at;
    } else if (pattern[wanted] === "_" || pattern[wanted] === text[at]) {
      wanted++;
      at++;
    } else if (star >= 0) {
      wanted = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[wanted] === "%") wanted++;
  return wanted === pattern.length;
}
