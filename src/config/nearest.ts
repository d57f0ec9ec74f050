import { distance } from 'fastest-levenshtein';

/** Finds the candidate that `name` was probably meant to be; undefined when none is near. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const plain = normalize(name);
  let best: string | undefined;
  // A third of the letters may be wrong; a short name may still have one wrong letter, or two swapped.
  let bestDistance = Math.max(2, Math.floor(plain.length / 3)) + 1;
  for (const candidate of candidates) {
    const candidateDistance = distance(plain, normalize(candidate));
    if (candidateDistance < bestDistance && candidateDistance < plain.length) {
      best = candidate;
      bestDistance = candidateDistance;
    }
  }
  return best;
}

/** `batchSize`, `batch-size` and `BATCH_SIZE` are the same word. */
function normalize(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll('-', '_');
}
