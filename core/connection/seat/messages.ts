import type { RelationRestriction } from "../../contract/analysis.ts";
import type { BeginOptions, HeldFile, Params, QueryOptions, Target } from "../../contract/driver.ts";
import type { Diagnosis } from "../../contract/problem.ts";

/** Where a driver lives, so that another process can load the same one. */
export interface DriverSource {
  /** Name of a plugin bundled in the binary, or the absolute path of an installed plugin's entry. */
  readonly plugin: string;
  readonly driver: string;
}

/** What a child is asked to do; see `run.ts`. */
export type SeatRequest =
  | { readonly id: number; readonly do: "connect"; readonly source: DriverSource; readonly target: SeatTarget; readonly readOnly: boolean }
  | QueryRequest
  | { readonly id: number; readonly do: "next" | "close"; readonly stream: number }
  | { readonly id: number; readonly do: "analyze"; readonly sql: string }
  | { readonly id: number; readonly do: "render"; readonly sql: string; readonly restrictions: readonly RelationRestriction[] }
  | ({ readonly id: number; readonly do: "explain"; readonly sql: string; readonly params: Params; readonly analyze: boolean } & Carried)
  | {
      readonly id: number;
      readonly do: "catalog";
      readonly detail: "names" | "columns" | "full";
      readonly object?: { schema?: string; name: string };
    }
  | { readonly id: number; readonly do: "begin"; readonly readOnly: boolean; readonly isolation?: BeginOptions["isolation"] }
  | { readonly id: number; readonly do: "ping" | "prove" | "end" | "commit" | "rollback" };

/** Asks for rows, or for CSV bytes. */
export type QueryRequest = {
  readonly id: number;
  readonly do: "query" | "copyOut";
  readonly sql: string;
  readonly params: Params;
} & Carried;

/** The options of a query that go through the pipe. */
type Carried = Omit<QueryOptions, "signal">;

/** What a child says of the connection it opened. */
export interface SeatOpened {
  readonly copyOut: boolean;
  readonly render: boolean;
  readonly begin: boolean;
  readonly file?: HeldFile;
}

/** A target on its way through a pipe: the password travels revealed, and only to our own child's standard input. */
export type SeatTarget = Omit<Target, "password"> & { readonly password?: string };

/** One piece of a stream; without a page the stream has ended. */
export interface Page<Content> {
  readonly page?: Content;
  readonly affectedRows?: number;
  /** True when nothing follows this page. */
  readonly last?: boolean;
}

/** CSV bytes, and how many rows have passed with them. */
export interface CsvPage {
  readonly bytes: Uint8Array;
  readonly rows: number;
}

export type SeatReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failed: Diagnosis | undefined; readonly text: string };
