/** How a transaction, or a part of one, is kept or undone, and what the server then says of itself. */
export interface Scope {
  readonly keep: string;
  readonly undo: string;
  /** What the server answers when it was kept. */
  readonly kept: string;
  /** The server's state afterwards: `I` idle, `T` in a transaction. */
  readonly after: number;
  /** True when what was left behind must be gone, or the connection has to go. */
  readonly strict: boolean;
  /** True when what it keeps outlives the connection. */
  readonly lasting: boolean;
}

const unlock = "SELECT pg_advisory_unlock_all()";

/** What DISCARD ALL does, in statements that a pooler sends to the session they are about: together with the end of its transaction. */
export const tidy = `SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES; DEALLOCATE ALL; ${unlock}`;

/** A whole transaction. Locks that a function took for the session outlive a rollback, settings and tables do not. */
export const whole = (readOnly: boolean): Scope => ({
  keep: `COMMIT; ${tidy}`,
  undo: `ROLLBACK; ${readOnly ? unlock : tidy}`,
  kept: "COMMIT",
  after: 0x49,
  strict: !readOnly,
  lasting: !readOnly,
});

/** One call inside a transaction: when it fails, it alone is undone. */
export const savepoint: Scope & { readonly open: string } = {
  open: "SAVEPOINT tidegate",
  keep: "RELEASE SAVEPOINT tidegate",
  undo: "ROLLBACK TO SAVEPOINT tidegate; RELEASE SAVEPOINT tidegate",
  kept: "RELEASE",
  after: 0x54,
  strict: true,
  lasting: false,
};
