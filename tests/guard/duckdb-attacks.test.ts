import { describeAttacks } from "./attack-suite.ts";
import { duckdbAttacks } from "./duckdb-attacks.ts";
import { duckdbEngine, duckdbRules } from "./duckdb-shop.ts";
import { portableAttacks } from "./portable-attacks.ts";

describeAttacks(duckdbEngine, duckdbRules, [...portableAttacks, ...duckdbAttacks]);
