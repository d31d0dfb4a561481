import type { Diagnosis } from "../../core/contract/problem.ts";

type Known = Pick<Diagnosis, "code"> & Partial<Diagnosis>;

const rejected = (message: string, hint = "Check the user, the password and the host the user may come from"): Known => ({
  code: "CREDENTIALS_REJECTED",
  message,
  hint,
});
const forbidden: Known = { code: "FORBIDDEN", hint: "Ask for the right, or use another user" };
const broken: Known = { code: "CONSTRAINT_VIOLATED" };
const readOnly: Known = {
  code: "POLICY_DENIED",
  message: "Cannot run this statement: the connection is read-only",
  hint: "Open the connection for writing",
};
const lost: Known = { code: "CONNECTION_FAILED", hint: "Run it again", retryable: true };
const crowded: Known = {
  code: "CONNECTION_FAILED",
  message: "The server has too many connections",
  hint: "Run it again later, or raise max_connections on the server",
  retryable: true,
};
const timedOut: Known = {
  code: "TIMEOUT",
  message: "The server stopped the statement: it ran longer than the server's limit",
  hint: "Narrow the query, or raise max_statement_time in the target's options",
};
const conflict = (message: string): Known => ({ code: "CONFLICT", message, hint: "Run it again", retryable: true });

/** https://mariadb.com/kb/en/mariadb-error-codes/ and https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html */
export const byNumber: Readonly<Record<number, Known>> = {
  1045: rejected("The server rejected the user or the password"),
  1698: rejected("The server rejected the user or the password"),
  1044: rejected("The user may not use this database", "Name another database, or ask for the right"),
  1251: rejected("The server's way to log in is not supported", "Give the user mysql_native_password or caching_sha2_password"),
  1820: rejected("The password has expired", "Set a new password with the mysql client"),
  1862: rejected("The password has expired", "Set a new password with the mysql client"),
  1049: { code: "NOT_FOUND", hint: "Check the name of the database in the target" },
  1040: crowded,
  1203: crowded,
  1226: crowded,
  1129: { code: "CONNECTION_FAILED", message: "The server has blocked this host", hint: "Run flush hosts on the server", retryable: false },
  1130: {
    code: "CONNECTION_FAILED",
    message: "The server lets no user in from this host",
    hint: "Allow the host on the server",
    retryable: false,
  },
  1053: lost,
  1077: lost,
  1080: lost,
  1152: lost,
  1158: lost,
  1159: lost,
  1160: lost,
  1161: lost,
  1184: lost,
  1927: lost,
  4031: lost,
  1142: forbidden,
  1143: forbidden,
  1227: forbidden,
  1370: forbidden,
  1410: forbidden,
  1022: broken,
  1048: broken,
  1062: broken,
  1169: broken,
  1216: broken,
  1217: broken,
  1264: broken,
  1364: broken,
  1366: broken,
  1406: broken,
  1451: broken,
  1452: broken,
  1557: broken,
  1586: broken,
  3819: broken,
  4025: broken,
  1205: conflict("Another transaction holds a lock for too long"),
  1213: conflict("Two transactions waited for each other, and this one was rolled back"),
  1020: conflict("The row was changed by another transaction"),
  1317: { code: "CANCELLED", message: "The statement was stopped on the server" },
  1028: { code: "CANCELLED", message: "The statement was stopped on the server" },
  1969: timedOut,
  3024: timedOut,
  1290: readOnly,
  1792: readOnly,
  1836: readOnly,
  1295: { code: "UNSUPPORTED", message: "The server cannot run this statement as a prepared one", hint: "Run it with the mysql client" },
  1153: { code: "LIMIT_EXCEEDED", message: "The server takes no packet as large (max_allowed_packet)", hint: "Make the values smaller" },
  1021: { code: "CONNECTION_FAILED", message: "The server's disk is full", hint: "Free disk space and run it again", retryable: true },
  1114: {
    code: "CONNECTION_FAILED",
    message: "The table or the server's disk is full",
    hint: "Free disk space and run it again",
    retryable: true,
  },
  1038: { code: "LIMIT_EXCEEDED", message: "The server is out of memory for sorting", hint: "Read less at once" },
  1041: { code: "LIMIT_EXCEEDED", message: "The server is out of memory", hint: "Read less at once" },
};

/** Classes of SQLSTATE. */
export const byState: Readonly<Record<string, Known>> = {
  "08": lost,
  "23": broken,
  "40": { code: "CONFLICT", hint: "Run it again", retryable: true },
};
