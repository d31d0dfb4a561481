import { isDeepStrictEqual } from "node:util";
import { findNodeAtLocation, getNodeValue, type Node, type ParseError, parse, parseTree } from "jsonc-parser";
import { type Format, isMap, valueAt } from "./format.ts";

const lenient = { allowTrailingComma: true };

/** JSON as editors write it. Comments and commas at the end are kept, and what stands around an edit stays byte for byte. */
export const json: Format = {
  title: "JSON",
  read(text) {
    if (text.trim() === "") return { value: {} };
    const errors: ParseError[] = [];
    const value: unknown = parse(text, errors, lenient);
    const [first] = errors;
    if (first === undefined && isMap(value)) return { value };
    return { brokenLine: text.slice(0, first?.offset ?? 0).split("\n").length };
  },
  set(text, place, fields) {
    const start = text.trim() === "" ? "{}\n" : text;
    if (!isMap(valueAt(parse(start, [], lenient), place))) return put(start, place, fields);
    return Object.entries(fields).reduce((before, [key, value]) => put(before, [...place, key], value), start);
  },
  remove(text, place) {
    const member = nodeAt(text, place)?.parent;
    return member?.parent === undefined ? text : withoutMember(text, member, member.parent);
  },
};

function nodeAt(text: string, path: readonly string[]): Node | undefined {
  const root = parseTree(text, [], lenient);
  return root && findNodeAtLocation(root, [...path]);
}

function put(text: string, path: readonly string[], value: unknown): string {
  const found = nodeAt(text, path);
  if (found !== undefined) return isDeepStrictEqual(getNodeValue(found), value) ? text : replaced(text, found, value);
  const map = nodeAt(text, path.slice(0, -1));
  const key = path.at(-1) ?? "";
  return map === undefined ? put(text, path.slice(0, -1), { [key]: value }) : withMember(text, map, key, value);
}

function replaced(text: string, node: Node, value: unknown): string {
  const spread = text.slice(node.offset, endOf(node)).includes("\n");
  const written = spread ? laidOut(value, text, indentAt(text, node.offset)) : JSON.stringify(value);
  return text.slice(0, node.offset) + written + text.slice(endOf(node));
}

/** Adds a member as the last: on a line of its own, unless the map stands on one line. */
function withMember(text: string, map: Node, key: string, value: unknown): string {
  const last = map.children?.at(-1);
  const inOneLine = !text.slice(map.offset, endOf(map)).includes("\n");
  if (last === undefined) {
    const outer = indentAt(text, map.offset);
    const member = ownLine(text, outer + styleOf(text).indent, key, value);
    return text.slice(0, map.offset + 1) + member + (inOneLine ? styleOf(text).end + outer : "") + text.slice(map.offset + 1);
  }
  const { comma, all } = tailAt(text, endOf(last));
  const member = inOneLine ? ` ${JSON.stringify(key)}: ${JSON.stringify(value)}` : ownLine(text, indentAt(text, last.offset), key, value);
  const [before, after] = comma === "" ? [",", ""] : ["", ","];
  return text.slice(0, endOf(last)) + before + all + member + after + text.slice(endOf(last) + all.length);
}

function withoutMember(text: string, member: Node, map: Node): string {
  const members = map.children ?? [];
  const [previous, next] = [members[members.indexOf(member) - 1], members[members.indexOf(member) + 1]];
  if (next !== undefined) return text.slice(0, member.offset) + text.slice(next.offset);
  const end = endOf(member) + tailAt(text, endOf(member)).comma.length;
  if (previous !== undefined) {
    const { comma, all } = tailAt(text, endOf(previous));
    return text.slice(0, endOf(previous)) + (end === endOf(member) ? all.slice(comma.length) : all) + text.slice(end);
  }
  const [before, after] = [text.slice(map.offset + 1, member.offset), text.slice(end, endOf(map) - 1)];
  const inside = `${before}${after}`.trim() === "" ? "" : before + after;
  return text.slice(0, map.offset + 1) + inside + text.slice(endOf(map) - 1);
}

/** What follows a value on its line: a comma, and a comment that belongs to it. */
function tailAt(text: string, offset: number): { readonly comma: string; readonly all: string } {
  const [all = "", comma = ""] = /^([ \t]*,)?(?:[ \t]*(?:\/\/.*|\/\*.*?\*\/))?/.exec(text.slice(offset)) ?? [];
  return { comma, all };
}

function ownLine(text: string, indent: string, key: string, value: unknown): string {
  return `${styleOf(text).end}${indent}${JSON.stringify(key)}: ${laidOut(value, text, indent)}`;
}

function laidOut(value: unknown, text: string, outer: string): string {
  const { indent, end } = styleOf(text);
  return JSON.stringify(value, null, indent).replaceAll("\n", end + outer);
}

/** The indentation and line ends that the file has already. */
function styleOf(text: string): { readonly indent: string; readonly end: string } {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  return { indent: indent.startsWith("\t") ? "\t" : indent, end: text.includes("\r\n") ? "\r\n" : "\n" };
}

function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1);
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}
