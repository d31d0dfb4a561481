import { describeAttacks } from "./attack-suite.ts";
import { portableAttacks } from "./portable-attacks.ts";
import { sqliteAttacks } from "./sqlite-attacks.ts";
import { sqliteEngine, sqliteRules } from "./sqlite-shop.ts";

describeAttacks(sqliteEngine, sqliteRules, [...portableAttacks, ...sqliteAttacks]);
