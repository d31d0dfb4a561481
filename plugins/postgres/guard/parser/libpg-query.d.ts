/** What the npm package ships without types: the factory that Emscripten made. */
declare module "libpg-query/wasm/libpg-query.js" {
  interface Grammar {
    _malloc(bytes: number): number;
    _free(address: number): void;
    _wasm_parse_query_raw(text: number): number;
    _wasm_free_parse_result(result: number): void;
    _wasm_fingerprint(text: number): number;
    _wasm_free_string(text: number): void;
    getValue(address: number, type: "i32"): number;
    lengthBytesUTF8(text: string): number;
    stringToUTF8(text: string, address: number, bytes: number): void;
    UTF8ToString(address: number): string;
  }
  interface Options {
    instantiateWasm(imports: WebAssembly.Imports, ready: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void): object;
  }
  const createGrammar: (options: Options) => Promise<Grammar>;

  export type { Grammar };
  export default createGrammar;
}
