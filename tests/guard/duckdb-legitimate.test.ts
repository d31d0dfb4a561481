import { duckdbLegitimate, duckdbMasked, duckdbPivots } from "./duckdb-legitimate.ts";
import { duckdbEngine, duckdbRules } from "./duckdb-shop.ts";
import { describeLegitimate } from "./legitimate-suite.ts";
import { portableLegitimate, portableMasked } from "./portable-legitimate.ts";

describeLegitimate(
  duckdbEngine,
  { rules: duckdbRules, tables: ", profile, card" },
  { plain: [...portableLegitimate, ...duckdbLegitimate], masked: [...portableMasked, ...duckdbMasked], unfiltered: duckdbPivots },
);
