import { refusal } from "../refusal.ts";
import type { Piece } from "./statements.ts";

const endings: ReadonlySet<string> = new Set(["begin", "start", "commit", "rollback", "lock", "unlock", "xa"]);

/** Refuses what would end a transaction from inside: its own words, and statements the server commits before and after. */
export function refuseEndings({ kind, tokens }: Piece): void {
  const [first, ...rest] = tokens.slice(0, 5).map(({ text }) => text.toLowerCase());
  if (first === undefined) return;
  const isSavepoint = first === "rollback" && (rest[0] === "to" || rest[1] === "to");
  const commits = kind === "admin" || (kind === "schema" && !(first !== "truncate" && rest.includes("temporary")));
  const switches = first === "set" && tokens.some(({ text }) => /autocommit/i.test(text));
  if (!(endings.has(first) && !isSavepoint) && !commits && !switches) return;
  throw refusal({
    code: "UNSUPPORTED",
    message: `Cannot run ${first.toUpperCase()} inside a transaction: the server would end the transaction`,
    hint: commits ? "Run it outside of the transaction" : "Commit or roll back the transaction itself",
  });
}
