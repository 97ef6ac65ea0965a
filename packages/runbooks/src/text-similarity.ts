// BM25F over fields: how alike a text is to each of a set of texts, with the terms that made it so. Names are taken apart the way
// monitoring writes them: `kube_pod_status`, `KubePodNotReady` and `pod not ready` share their words; neighbours are also read as one word,
// since some write `file system` and some `filesystem`, and two words in a row say more than the two.

export interface TextHit<Item> {
  readonly item: Item;
  /** 0 to about 1: the score over that of a text that would hold every term of the query. */
  readonly similarity: number;
  /** The terms that spoke most, the strongest first. */
  readonly terms: readonly string[];
}
export interface TextIndex<Item> {
  /** All that share a term, the most alike first; ties in the order they were given. */
  search(query: string): readonly TextHit<Item>[];
}
export interface Field {
  readonly text: string;
  /** How much a word here counts against a word in a field of weight 1. */
  readonly weight: number;
}

const K1 = 1.2;
const B = 0.6;
const STOP = new Set(
  "a an and are as at be been but by can do for from has have if in into is it its may more not of on or that the their then there this to was were when which while will with you your see should".split(
    " ",
  ),
);

/** Lower-case words of at least two letters without their endings, names taken apart; then each two neighbours as one word. */
export const termsOf = (text: string): string[] => readTerms(text).map(({ term }) => term);

/** Terms, each with what a person reads: of two neighbours that count as one word, the two. */
function readTerms(text: string): { readonly term: string; readonly words: string }[] {
  const words = text
    .replace(/\{\{[^}]*\}\}/g, " ") // what a template would put there is not known
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 1 && !/^\d+$/.test(word) && !STOP.has(word));
  return [
    ...words.map((word) => ({ term: stem(word), words: stem(word) })),
    ...words.slice(1).map((word, index) => ({ term: stem(`${words[index]}${word}`), words: `${words[index]} ${word}` })),
  ];
}

function stem(word: string): string {
  if (word.length > 5 && word.endsWith("ing")) return word.slice(0, -3).replace(/([bdgmnprt])\1$/, "$1");
  if (word.length > 4 && word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (word.length > 4 && word.endsWith("ed")) return word.slice(0, -2).replace(/([bdgmnprt])\1$/, "$1");
  if (word.length > 3 && word.endsWith("s") && !word.endsWith("ss") && !word.endsWith("us")) return word.slice(0, -1);
  return word;
}

export function indexTexts<Item>(items: readonly Item[], fieldsOf: (item: Item) => readonly Field[]): TextIndex<Item> {
  const documents = items.map((item) => {
    const counts = new Map<string, number>();
    let length = 0;
    for (const { text, weight } of fieldsOf(item)) {
      const terms = termsOf(text);
      length += terms.length;
      for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + weight);
    }
    return { item, counts, length };
  });
  const averageLength = documents.reduce((sum, d) => sum + d.length, 0) / Math.max(1, documents.length);
  const frequency = new Map<string, number>();
  for (const { counts } of documents) for (const term of counts.keys()) frequency.set(term, (frequency.get(term) ?? 0) + 1);
  const idf = (term: string) => {
    const n = frequency.get(term) ?? 0;
    return Math.log(1 + (documents.length - n + 0.5) / (n + 0.5));
  };

  return {
    search(query) {
      const wanted = new Map<string, number>();
      const inWords = new Map<string, string>();
      for (const { term, words } of readTerms(query)) {
        wanted.set(term, Math.min(3, (wanted.get(term) ?? 0) + 1));
        if (!inWords.has(term)) inWords.set(term, words);
      }
      const best = [...wanted].reduce((sum, [term, times]) => sum + idf(term) * times * (K1 + 1), 0);
      if (best === 0) return [];
      return documents
        .map(({ item, counts, length }, order) => {
          const spoke: { term: string; score: number }[] = [];
          for (const [term, times] of wanted) {
            const count = counts.get(term);
            if (count === undefined) continue;
            const saturated = (count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / Math.max(1, averageLength)));
            spoke.push({ term, score: idf(term) * times * saturated });
          }
          spoke.sort((a, b) => b.score - a.score || (a.term < b.term ? -1 : 1));
          return {
            item,
            order,
            similarity: spoke.reduce((sum, s) => sum + s.score, 0) / best,
            terms: spoke.map((s) => inWords.get(s.term) ?? s.term),
          };
        })
        .filter((hit) => hit.similarity > 0)
        .sort((a, b) => b.similarity - a.similarity || a.order - b.order)
        .map(({ item, similarity, terms }) => ({ item, similarity, terms }));
    },
  };
}
