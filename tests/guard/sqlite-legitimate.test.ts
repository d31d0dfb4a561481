import { describeLegitimate } from "./legitimate-suite.ts";
import { portableLegitimate, portableMasked } from "./portable-legitimate.ts";
import { sqliteLegitimate, sqliteMasked } from "./sqlite-legitimate.ts";
import { sqliteEngine, sqliteRules } from "./sqlite-shop.ts";

describeLegitimate(
  sqliteEngine,
  { rules: sqliteRules, tables: ", card, without_id, odd, shop_area, audit_log" },
  { plain: [...portableLegitimate, ...sqliteLegitimate], masked: [...portableMasked, ...sqliteMasked] },
);
