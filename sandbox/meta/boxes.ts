interface Box {
  name: string;
  body: Buffer;
}

/** The sibling boxes in a piece of an MP4 file. */
export function boxes(bytes: Buffer): Box[] {
  const found: Box[] = [];
  let at = 0;
  while (at + 8 <= bytes.length) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > bytes.length) break;
    found.push({ name: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, at + size) });
    at += size;
  }
  return found;
}

/** The body of the first box at the end of this path. */
export function find(bytes: Buffer, ...path: string[]): Buffer | undefined {
  let body: Buffer | undefined = bytes;
  for (const name of path) body = body && boxes(body).find((box) => box.name === name)?.body;
  return body;
}
