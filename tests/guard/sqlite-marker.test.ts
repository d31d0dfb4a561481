import { describeMarker } from "./marker-suite.ts";
import { portableLegitimate } from "./portable-legitimate.ts";
import { sqliteLegitimate } from "./sqlite-legitimate.ts";
import { sqliteEngine } from "./sqlite-shop.ts";

describeMarker(sqliteEngine, [...portableLegitimate, ...sqliteLegitimate]);
