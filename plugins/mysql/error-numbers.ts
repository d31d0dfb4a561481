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
const crowded = (message: string, hint: string): Known => ({ code: "CONNECTION_FAILED", message, hint, retryable: true });
const closed = (message: string, hint: string): Known => ({ code: "CONNECTION_FAILED", message, hint, retryable: false });
const expired = rejected("The password has expired", "Set a new password with the mysql or mariadb client");
const locked = rejected("The account is locked", "Unlock it on the server: alter user … account unlock");
const blocked = rejected("The account is blocked after too many failed logins", "Wait, or unlock it on the server");
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
  1251: rejected("The server's way to log in is not supported", "Give the user caching_sha2_password or mysql_native_password"),
  1820: expired,
  1862: expired,
  3118: locked,
  4151: locked,
  3955: blocked,
  4150: blocked,
  1524: rejected("The server lacks the plugin this user logs in with", "Load the plugin on the server, or give the user another one"),
  1049: { code: "NOT_FOUND", hint: "Check the name of the database in the target" },
  1040: crowded("The server has too many connections", "Run it again later, or raise max_connections on the server"),
  1203: crowded("The user has too many connections", "Run it again later, or raise max_user_connections on the server"),
  1226: crowded("The user has used up a limit of its account", "Run it again later, or raise the limit with alter user"),
  1129: closed(
    "The server has blocked this host after too many broken connections",
    "Unblock it on the server: mariadb-admin flush-hosts, or truncate performance_schema.host_cache",
  ),
  1130: closed("The server lets no user in from this host", "Create the user for this host on the server"),
  3159: closed("The server takes encrypted connections only", "Use ssl-mode=required"),
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
