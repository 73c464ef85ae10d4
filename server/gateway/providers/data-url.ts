/** A base64 data URL taken apart; undefined for any other URL, and for one with more parameters than any has: the pattern's repeats are its stack. What many call `image/jpg` is `image/jpeg`, the only name that providers know. */
export function readDataUrl(url: string): { mediaType: string, base64: string } | undefined {
  const head = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+-]+=[\w.+-]+){0,8};base64,/.exec(url)
  if (!head) return undefined
  const mediaType = (head[1] ?? '').toLowerCase()
  return { mediaType: mediaType === 'image/jpg' ? 'image/jpeg' : mediaType, base64: url.slice(head[0].length) }
}
