/** A base64 data URL taken apart; undefined for any other URL. */
export function readDataUrl(url: string): { mediaType: string, base64: string } | undefined {
  const head = /^data:([\w.+-]+\/[\w.+-]+);base64,/.exec(url)
  return head ? { mediaType: head[1] ?? '', base64: url.slice(head[0].length) } : undefined
}
