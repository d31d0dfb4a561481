import { readFileSync } from "node:fs";
import createGrammar, { type Grammar } from "libpg-query/wasm/libpg-query.js";

/** What the server's own grammar makes of a text: its tree as JSON, or where it stopped reading. */
export type Parsed =
  | { readonly tree: string; readonly fingerprint: string }
  | { readonly error: string /** In characters, from 0. */; readonly position: number };

export type Parse = (sql: string) => Parsed;

/** The grammar's own memory may be in any state now: it must not be used again. */
export class GrammarBroken extends Error {}

/** Loads the parser of PostgreSQL 18 from its WebAssembly file. The loader of its npm package looks for the file beside itself, and so fails in a bundle. */
export async function loadGrammar(wasm: string): Promise<Parse> {
  const bytes = readFileSync(wasm);
  const grammar = await createGrammar({
    instantiateWasm(imports, ready) {
      const module = new WebAssembly.Module(bytes);
      ready(new WebAssembly.Instance(module, imports), module);
      return {};
    },
  });
  return (sql) => {
    try {
      return parse(grammar, sql);
    } catch (error) {
      throw new GrammarBroken((error as Error).message);
    }
  };
}

/** Offsets in `PgQueryParseResult` { tree, stderr, error } and `PgQueryError` { message, function, file, line, cursor }. */
const at = { tree: 0, error: 8, message: 0, cursor: 16 } as const;

function parse(grammar: Grammar, sql: string): Parsed {
  const bytes = grammar.lengthBytesUTF8(sql) + 1;
  const text = grammar._malloc(bytes);
  grammar.stringToUTF8(sql, text, bytes);
  const result = grammar._wasm_parse_query_raw(text);
  try {
    const error = grammar.getValue(result + at.error, "i32");
    if (error !== 0)
      return {
        error: grammar.UTF8ToString(grammar.getValue(error + at.message, "i32")),
        position: Math.max(0, grammar.getValue(error + at.cursor, "i32") - 1),
      };
    return { tree: grammar.UTF8ToString(grammar.getValue(result + at.tree, "i32")), fingerprint: fingerprint(grammar, text) };
  } finally {
    grammar._wasm_free_parse_result(result);
    grammar._free(text);
  }
}

function fingerprint(grammar: Grammar, text: number): string {
  const found = grammar._wasm_fingerprint(text);
  try {
    return grammar.UTF8ToString(found);
  } finally {
    grammar._wasm_free_string(found);
  }
}
