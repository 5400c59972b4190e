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

/** A size for people. */
export function sizeOf(bytes: number): string {
  return bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`;
}
