import { describeLegitimate } from "./legitimate-suite.ts";
import { libsqlEngine } from "./libsql-shop.ts";
import { portableLegitimate, portableMasked } from "./portable-legitimate.ts";
import { sqliteLegitimate, sqliteMasked } from "./sqlite-legitimate.ts";
import { sqliteRules } from "./sqlite-shop.ts";

/** The engine's own logarithm has no base to choose, and the program of a statement on a file is not told. */
const isLacking = (sql: string) => sql.includes("log(2, 8)") || /^explain (?!query plan)/i.test(sql);
const here = (statements: readonly string[]) => statements.filter((sql) => !isLacking(sql));

describeLegitimate(
  libsqlEngine,
  { rules: sqliteRules, tables: ", card, without_id, odd, shop_area, audit_log" },
  { plain: here([...portableLegitimate, ...sqliteLegitimate]), masked: [...portableMasked, ...sqliteMasked] },
);
