/** An error of the engine, native or at the other end of a connection. */
export interface EngineError extends Error {
  /** SQLite's extended result code. https://sqlite.org/rescode.html */
  readonly result: number;
  /** Character offset into the SQL text, from 0. */
  readonly position?: number;
}

export function engineError(
  message: string,
  result: number,
  from: { readonly position?: number | undefined; readonly cause?: unknown } = {},
): EngineError {
  const { position, cause } = from;
  return Object.assign(new Error(message, { cause }), { result, ...(position !== undefined && { position }) });
}

export function isEngineError(error: unknown): error is EngineError {
  return error instanceof Error && "result" in error && typeof error.result === "number";
}

/** The same error, in a text that its statement is only a part of. */
export function movedBy(error: unknown, offset: number): unknown {
  if (isEngineError(error) && error.position !== undefined) return Object.assign(error, { position: error.position + offset });
  return error;
}
