import { describeAttacks } from "./attack-suite.ts";
import { libsqlEngine } from "./libsql-shop.ts";
import { portableAttacks } from "./portable-attacks.ts";
import { sqliteAttacks } from "./sqlite-attacks.ts";
import { sqliteRules } from "./sqlite-shop.ts";

describeAttacks(libsqlEngine, sqliteRules, [...portableAttacks, ...sqliteAttacks]);
