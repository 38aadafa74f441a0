/** Texts beyond this length are not compared: no name is so long, and the work is quadratic. */
const LENGTH_MAX = 64;

/**
 * The candidate that `text` most likely meant, or undefined where none is close: at most a third
 * of its letters mistyped. Of equally close ones, the first.
 */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    if (candidate.length > LENGTH_MAX) continue;
    const distance = editDistance(text, candidate);
    if (distance < bestDistance && distance <= Math.max(1, Math.floor(candidate.length / 3))) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Letters to insert, delete, replace or swap with their neighbour to get from `a` to `b`: the
 * optimal string alignment distance (Damerau, CACM 7(3), 1964).
 */
function editDistance(a: string, b: string): number {
  let twoAbove: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let distance = Math.min(line[column - 1]! + 1, above[column]! + 1, above[column - 1]! + same);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        distance = Math.min(distance, twoAbove[column - 2]! + 1);
      }
      line.push(distance);
    }
    twoAbove = above;
    above = line;
  }
  return above[b.length]!;
}
