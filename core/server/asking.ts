import { createHash, randomBytes, randomUUID } from "node:crypto";
import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Principal } from "../contract/policy.ts";
import type { Answer, Person, Question } from "../contract/tool.ts";
import { type Problem, problem } from "../problem.ts";

/** A call of a tool, as it came. */
export interface AskedCall {
  readonly name: string;
  readonly arguments?: Record<string, unknown> | undefined;
}

/** Asks the person behind a client, in the way both eras of the protocol have. */
export interface Asking {
  /**
   * Whoever can be asked, with what they said to the question of this very call. `initialized` is what the client can do as it
   * said at the beginning; in the later era each request says it. @throws CONFLICT for an answer to anything else
   */
  person(call: AskedCall, context: ServerContext, initialized: ClientCapabilities | undefined): Promise<Person | undefined>;
  ask(question: Question, call: AskedCall, context: ServerContext): Promise<InputRequiredResult>;
}

/** What goes through the client and comes back: signed, for a short time, and good once. */
interface Ticket {
  readonly id: string;
  /** Which call of whom it is for. */
  readonly call: string;
  readonly rows?: number;
}

const key = "agreed";
const secondsToAnswer = 600;
const said = { accept: "yes", decline: "no", cancel: "nothing" } as const;

export function createAsking(principal: Principal): Asking {
  const codec = createRequestStateCodec<Ticket>({ key: randomBytes(32), ttlSeconds: secondsToAnswer });
  const used = new Map<string, number>();
  const use = (id: string): boolean => {
    const now = performance.now();
    for (const [other, until] of used) if (until < now) used.delete(other);
    if (used.has(id)) return false;
    used.set(id, now + secondsToAnswer * 1000);
    return true;
  };
  return {
    async person(call, context, initialized) {
      const envelope = context.mcpReq.envelope as { readonly [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities } | undefined;
      if (!canAsk(envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? initialized)) return undefined;
      const state = context.mcpReq.requestState<unknown>();
      if (typeof state !== "string") return {};
      const ticket = await codec.verify(state, context).catch(() => undefined);
      const response = inputResponse(context.mcpReq.inputResponses, key);
      if (ticket?.call !== digestOf(call, principal) || response.kind !== "elicit" || !use(ticket.id)) throw notAnswered();
      const answer: Answer = { said: said[response.action], ...(ticket.rows !== undefined && { rows: ticket.rows }) };
      return { answer };
    },
    async ask({ question, rows }, call, context) {
      const ticket: Ticket = { id: randomUUID(), call: digestOf(call, principal), ...(rows !== undefined && { rows }) };
      return inputRequired({
        inputRequests: { [key]: inputRequired.elicit({ message: question, requestedSchema: { type: "object", properties: {} } }) },
        requestState: await codec.mint(ticket, context),
      });
    },
  };
}

/** A client that only opens URLs has no way to show a question. */
function canAsk(capabilities: ClientCapabilities | undefined): boolean {
  const { elicitation } = capabilities ?? {};
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
}

function digestOf({ name, arguments: given = {} }: AskedCall, { via, id }: Principal): string {
  const sorted = Object.entries(given).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([via, id, name, sorted]))
    .digest("base64url");
}

function notAnswered(): Problem {
  return problem(
    "CONFLICT",
    "The answer is to another question, came too late, or was given before: nothing was changed",
    "Send the call again without it: the question is asked anew",
  );
}
