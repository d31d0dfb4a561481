import { libsqlEngine } from "./libsql-shop.ts";
import { describeMarker } from "./marker-suite.ts";
import { portableLegitimate } from "./portable-legitimate.ts";
import { sqliteLegitimate } from "./sqlite-legitimate.ts";

describeMarker(libsqlEngine, [...portableLegitimate, ...sqliteLegitimate]);
