import { date, dayMillis, firstDay } from "./calendar.ts";
import type { Random } from "./random.ts";

interface Category {
  readonly name: string;
  readonly code: string;
  readonly nouns: readonly [string, ...string[]];
  readonly leastEuros: number;
  readonly mostEuros: number;
}

const categories: readonly Category[] = [
  {
    name: "Kitchen",
    code: "KIT",
    nouns: ["Frying pan", "Chef's knife", "Teapot", "Mixing bowl", "Pepper mill", "Crêpe pan"],
    leastEuros: 9,
    mostEuros: 120,
  },
  {
    name: "Coffee",
    code: "COF",
    nouns: ["Espresso beans", "Hand grinder", "Pour-over set", "Moka pot", "Café crème"],
    leastEuros: 6,
    mostEuros: 90,
  },
  {
    name: "Stationery",
    code: "STA",
    nouns: ["Notebook A5", "Fountain pen", "Ink, 30 ml", "Desk pad", "Washi tape"],
    leastEuros: 3,
    mostEuros: 60,
  },
  {
    name: "Garden",
    code: "GAR",
    nouns: ["Watering can", "Secateurs", "Herb seeds", "Hammock", 'Hose, 1/2"'],
    leastEuros: 2,
    mostEuros: 140,
  },
  {
    name: "Outdoor",
    code: "OUT",
    nouns: ["Rucksack 30 l", "Enamel mug", "Head torch", "Tarp 3×3 m", "Sleeping mat"],
    leastEuros: 8,
    mostEuros: 220,
  },
  {
    name: "Textiles",
    code: "TEX",
    nouns: ["Linen towel", "Wool blanket", "Apron", "Cushion 50×50", "Bed sheet"],
    leastEuros: 12,
    mostEuros: 160,
  },
  {
    name: "Toys",
    code: "TOY",
    nouns: ["Wooden blocks", "Kite", "Puzzle, 500 pieces", "Plush fox", "Marble run"],
    leastEuros: 7,
    mostEuros: 85,
  },
  { name: "Lighting", code: "LIG", nouns: ["Desk lamp", "Paper lantern", "LED bulb E27", "Candle holder"], leastEuros: 5, mostEuros: 180 },
];

const makes = ["Nord", "Azulejo", "Søborg", "Kintsugi", "Classic", "Piccolo", "Grün & Co.", "N°5", "Été", "Basic"] as const;

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly category: string;
  readonly cents: number;
  readonly discontinuedOn: string | null;
}

/** Makes up the product with this number, from 1. */
export function makeProduct(number: number, random: Random): Product {
  const category = categories[(number - 1) % categories.length] as Category;
  const { leastEuros, mostEuros } = category;
  // Squared, so that there are more cheap things than dear ones.
  const position = random.next() * random.next();
  const euros = Math.floor(leastEuros + position * (mostEuros - leastEuros));
  return {
    sku: `${category.code}-${String(number).padStart(4, "0")}`,
    name: `${random.pick(makes)} ${random.pick(category.nouns)}`,
    category: category.name,
    cents: euros * 100 + random.pick([99, 95, 50, 0]),
    discontinuedOn: random.chance(0.08) ? date(firstDay + random.whole(400, 1090) * dayMillis) : null,
  };
}
