import type { Random } from "./random.ts";

interface Mood {
  readonly titles: readonly [string | null, ...(string | null)[]];
  readonly sentences: readonly [string, ...string[]];
}

const glad: Mood = {
  titles: ["Love it ❤️", "Très bon achat", "Exactly as described", null, "⭐⭐⭐⭐⭐", "Muito bom!", '"Finally"', "最高です"],
  sentences: [
    "My grandmother had the same one; this is better, and she agrees.",
    "Arrived in two days, well packed.",
    'The seller wrote "handle with care" on every side, and they did.',
    "Use it every morning ☕, weekends included.",
    "Perfeito para oferecer 🎁.",
    "Genau richtig: nicht zu groß, nicht zu klein.",
    "丁寧な梱包でした。ありがとうございます。",
    "10/10, would buy again; in fact I did.",
    "Looks, feels and even smells right 👍🏽.",
  ],
};

const unsure: Mood = {
  titles: ["It is fine", null, "Okay-ish", "Correct, sans plus", "Hm.", "So lala"],
  sentences: [
    "Does what it should, no more, no less.",
    "The colour is \"sand\", not 'beige' as in the picture.",
    "A bit smaller than I thought (28 cm, not 30).",
    "Delivery took nine days, support answered after two.",
    "Good; not great.",
    "50 % of it is packaging.",
  ],
};

const cross: Mood = {
  titles: ["Broke after a week", "Never again 😡", null, "Dommage", "Returned", "¿En serio?"],
  sentences: [
    'The handle came off; the "2-year guarantee" did not help.',
    "Wrong item, twice.",
    "Smells of plastic 🤢, even after three washes.",
    "Order said: 2 pieces. Box said: 2 pieces. Inside: 1 piece.",
    "C:\\Users\\me has more personality than this thing.",
    "Nicht zu empfehlen!!!",
  ],
};

export interface Opinion {
  readonly rating: number;
  readonly title: string | null;
  readonly body: string;
}

/** Makes up a review. Bodies have quotes, commas, emoji and, in every fifth, more than one line. */
export function makeOpinion(random: Random): Opinion {
  const rating = random.pick([5, 5, 5, 5, 4, 4, 4, 3, 3, 2, 1, 1]);
  const mood = rating >= 4 ? glad : rating === 3 ? unsure : cross;
  const sentences = Array.from({ length: random.whole(1, 3) }, () => random.pick(mood.sentences));
  const body = [...new Set(sentences)].join(random.chance(0.2) ? "\n\n" : " ");
  return { rating, title: random.pick(mood.titles), body };
}
