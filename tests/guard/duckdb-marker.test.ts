import { duckdbLegitimate, duckdbPivots } from "./duckdb-legitimate.ts";
import { duckdbEngine } from "./duckdb-shop.ts";
import { describeMarker } from "./marker-suite.ts";
import { portableLegitimate } from "./portable-legitimate.ts";

describeMarker(duckdbEngine, [...portableLegitimate.slice(0, 100), ...duckdbLegitimate, ...duckdbPivots]);
