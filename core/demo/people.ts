import type { Random } from "./random.ts";

interface Place {
  readonly country: string;
  readonly cities: readonly [string, ...string[]];
  /** Where a script is not Latin, `written/romanised`: an address needs the second. */
  readonly given: readonly [string, ...string[]];
  readonly family: readonly [string, ...string[]];
  /** Family name first, as it is written there; without a space where there is none. */
  readonly familyFirst?: "spaced" | "joined";
}

/** Most customers come from the first places. */
const places: readonly [Place, ...Place[]] = [
  {
    country: "Portugal",
    cities: ["Lisboa", "Porto", "Évora", "Coimbra", "Faro"],
    given: ["João", "Inês", "Tomás", "Conceição", "Rui", "Beatriz", "Gonçalo", "Leonor"],
    family: ["Gonçalves", "Sá Nogueira", "Simões", "Araújo", "Magalhães", "Brandão", "Teixeira"],
  },
  {
    country: "Germany",
    cities: ["Köln", "München", "Berlin", "Göttingen", "Frankfurt (Oder)", "Saarbrücken"],
    given: ["Jürgen", "Käthe", "Björn", "Lena", "Götz", "Franziska", "Sören", "Mia"],
    family: ["Müller", "Weiß", "Schröder", "von der Heide", "Groß", "Köhler", "Bäumler"],
  },
  {
    country: "United States",
    cities: ["Portland", "Winston-Salem", "Coeur d'Alene", "Santa Fe", "St. Louis"],
    given: ["Mary-Jane", "Jamal", "Chloe", "Diego", "Ruth", "Wyatt", "Keisha", "Sam"],
    family: ["O'Connor", "Johnson", "Ramirez", "Null", "D'Angelo", "Washington", "Lee"],
  },
  {
    country: "France",
    cities: ["Paris", "Besançon", "Saint-Étienne", "Nîmes", "Bourg-en-Bresse"],
    given: ["Élodie", "François", "Zoé", "Benoît", "Anaïs", "Loïc", "Maëlle", "Hélène"],
    family: ["Lefèvre", "Dubois", "d'Estaing", "Béranger", "Çelik", "Garçon", "L'Hôpital"],
  },
  {
    country: "Brazil",
    cities: ["São Paulo", "Brasília", "Florianópolis", "Belém"],
    given: ["Thiago", "Luíza", "Antônio", "Fabrício", "Caio", "Júlia"],
    family: ["da Conceição", "Pereira", "Assunção", "dos Santos", "Guimarães"],
  },
  {
    country: "Poland",
    cities: ["Łódź", "Kraków", "Gdańsk", "Wrocław"],
    given: ["Michał", "Małgorzata", "Łukasz", "Zofia", "Grażyna", "Paweł"],
    family: ["Wójcik", "Dąbrowska", "Błaszczykowski", "Żak", "Świątek"],
  },
  {
    country: "Japan",
    cities: ["東京", "大阪", "札幌", "京都"],
    given: ["陽菜/hina", "蓮/ren", "さくら/sakura", "健太/kenta", "美咲/misaki"],
    family: ["佐藤/sato", "鈴木/suzuki", "高橋/takahashi", "渡辺/watanabe"],
    familyFirst: "joined",
  },
  {
    country: "Denmark",
    cities: ["København", "Aarhus", "Ærøskøbing", "Rødby"],
    given: ["Søren", "Mette", "Bjørn", "Åse", "Freja"],
    family: ["Ørsted", "Kjær", "Nørgaard", "Bæk", "Skjødt"],
  },
  {
    country: "Türkiye",
    cities: ["İstanbul", "Eskişehir", "Iğdır", "Şanlıurfa"],
    given: ["İpek", "Çağla", "Işıl", "Oğuz", "Şükrü"],
    family: ["Yıldız", "Öztürk", "Çağlar", "Gündoğdu"],
  },
  {
    country: "Greece",
    cities: ["Αθήνα", "Θεσσαλονίκη", "Χανιά"],
    given: ["Ελένη/eleni", "Γιώργος/giorgos", "Δήμητρα/dimitra", "Νίκος/nikos"],
    family: ["Παπαδόπουλος/papadopoulos", "Οικονόμου/oikonomou", "Ζαχαρίας/zacharias"],
  },
  {
    country: "Ukraine",
    cities: ["Київ", "Львів", "Харків"],
    given: ["Олена/olena", "Тарас/taras", "Їжак/yizhak", "Ганна/hanna"],
    family: ["Шевченко/shevchenko", "Коваленко/kovalenko", "Ґудзь/gudz"],
  },
  {
    country: "Egypt",
    cities: ["القاهرة", "الإسكندرية"],
    given: ["محمد/mohamed", "فاطمة/fatma", "يوسف/youssef"],
    family: ["حسن/hassan", "عبد الله/abdallah", "المصري/elmasry"],
  },
  {
    country: "India",
    cities: ["मुंबई", "ಬೆಂಗಳೂರು", "दिल्ली"],
    given: ["आरव/aarav", "प्रिया/priya", "ईशा/isha"],
    family: ["शर्मा/sharma", "पटेल/patel", "राव/rao"],
  },
  {
    country: "South Korea",
    cities: ["서울", "부산"],
    given: ["서연/seoyeon", "민준/minjun", "지우/jiwoo"],
    family: ["김/kim", "이/lee", "박/park"],
    familyFirst: "joined",
  },
  {
    country: "Hungary",
    cities: ["Győr", "Budapest", "Hódmezővásárhely"],
    given: ["Zsófia", "Ödön", "Árpád", "Tünde"],
    family: ["Szűcs", "Kőműves", "Nagy", "Gyöngyösi"],
    familyFirst: "spaced",
  },
];

const companies = ['Café "%"', "% & Sons, Ltd.", "Atelier %", "%, Lda.", "% GmbH & Co. KG", "Studio % (Events)"] as const;
const mailHosts = ["example.com", "example.net", "example.org"] as const;

export interface Person {
  readonly name: string;
  readonly email: string;
  readonly city: string;
  readonly country: string;
}

/** Makes up one customer; `id` keeps the address unique, and its domain belongs to nobody. */
export function makePerson(id: number, random: Random): Person {
  const { cities, country, familyFirst, ...names } = places[random.early(places.length)] ?? places[0];
  const [given, givenLatin] = spellings(random.pick(names.given));
  const [family, familyLatin] = spellings(random.pick(names.family));
  const name = familyFirst ? [family, given].join(familyFirst === "joined" ? "" : " ") : `${given} ${family}`;
  const company = random.chance(0.04) ? random.pick(companies).replace("%", family) : undefined;
  return {
    name: company ?? name,
    email: `${givenLatin}.${familyLatin}${id}@${random.pick(mailHosts)}`,
    city: random.pick(cities),
    country,
  };
}

function spellings(text: string): [written: string, latin: string] {
  const [written = text, romanised] = text.split("/");
  return [written, romanised ?? withoutAccents(written)];
}

const lettersWithoutParts: Readonly<Record<string, string>> = { ø: "o", ł: "l", ß: "ss", ı: "i", æ: "ae", đ: "d" };

function withoutAccents(text: string): string {
  return text
    .toLowerCase()
    .normalize("NFD")
    .replace(/[øłßıæđ]/g, (letter) => lettersWithoutParts[letter] ?? letter)
    .replace(/[^a-z]/g, "");
}
