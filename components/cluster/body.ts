/**
 * Reads a body up to its end.
 *
 * @param largest - in bytes
 * @param onPart - told how many bytes have come
 * @throws Error when there is more
 */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null,
  largest: number,
  onPart: (bytes: number) => void,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop ends the connection.
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > largest) throw new Error(`the answer is longer than ${sizeOf(largest)}`);
    chunks.push(chunk);
    onPart(chunk.length);
  }
  return Buffer.concat(chunks).toString();
}

/**
 * Reads a body line by line up to its end.
 *
 * @param longest - of a line, in bytes
 * @param onLine - takes each line, without its end
 * @param onPart - told how many bytes have come
 * @returns nothing, as text
 * @throws Error when a line is longer
 */
export async function readLines(
  body: AsyncIterable<Uint8Array> | null,
  longest: number,
  onLine: (line: string) => void,
  onPart: (bytes: number) => void,
): Promise<""> {
  const lineFeed = 10;
  let unfinished: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    let from = 0;
    for (let to = chunk.indexOf(lineFeed); to >= 0; to = chunk.indexOf(lineFeed, from)) {
      onLine(Buffer.concat([...unfinished, chunk.subarray(from, to)]).toString());
      from = to + 1;
      unfinished = [];
      length = 0;
    }
    unfinished.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > longest) throw new Error(`a line of the answer is longer than ${sizeOf(longest)}`);
    onPart(chunk.length);
  }
  return "";
}

/** A size for people. */
export function sizeOf(bytes: number): string {
  return bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`;
}
