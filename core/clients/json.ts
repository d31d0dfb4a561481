import { applyEdits, modify, type ParseError, parse } from "jsonc-parser";
import { type Fields, type Format, isMap, type Place, valueAt } from "./format.ts";

/** JSON as editors write it: comments and commas at the end are kept. */
export const json: Format = {
  title: "JSON",
  read(text) {
    if (text.trim() === "") return { value: {} };
    const errors: ParseError[] = [];
    const value: unknown = parse(text, errors, { allowTrailingComma: true });
    const [first] = errors;
    if (first === undefined && isMap(value)) return { value };
    return { brokenLine: text.slice(0, first?.offset ?? 0).split("\n").length };
  },
  set(text, place, fields) {
    const start = text.trim() === "" ? "{}\n" : text;
    if (!isMap(valueAt(parse(start, [], { allowTrailingComma: true }), place))) return edited(start, place, fields);
    return Object.entries(fields).reduce((before, [key, value]) => edited(before, [...place, key], value), start);
  },
  remove: (text, place) => edited(text, place, undefined),
};

function edited(text: string, path: Place | readonly string[], value: Fields | unknown): string {
  return applyEdits(text, modify(text, [...path], value, { formattingOptions: styleOf(text) }));
}

/** The indentation and line ends that the file has already. */
function styleOf(text: string) {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  return {
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.startsWith("\t") ? 4 : indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
}
