/**
 * The sentences of a growing text that are finished, for a screen reader: each is said once, whole, instead of word
 * after word. What remains at the end is said when `streaming` turns false.
 */
export function useSpokenSentences(text: () => string, streaming: () => boolean) {
  const { t } = useI18n()
  const spoken = ref('')
  let said = 0

  watch([text, streaming], ([whole, growing]) => {
    if (whole.length < said) {
      said = 0
      // The same words again are said again.
      spoken.value = ''
    }
    // Only what is new is looked at: what was said ends outside of code.
    const fresh = whole.slice(said)
    const end = growing ? lastSentenceEnd(fresh) : fresh.length
    if (end <= 0) return
    said += end
    // Blanks alone would take the last words away before they are heard.
    spoken.value = speakable(fresh.slice(0, end), t('chat.announcer.codeBlock')) || spoken.value
  })
  return spoken
}

function lastSentenceEnd(text: string): number {
  const inCode = (text.match(/^```/gm)?.length ?? 0) % 2 === 1
  const readable = inCode ? text.slice(0, text.lastIndexOf('```')) : text
  return Math.max(...['. ', '! ', '? ', '.\n', '\n\n', ':\n'].map(mark => readable.lastIndexOf(mark) + 1))
}

function speakable(markdown: string, codeBlock: string): string {
  return markdown.replace(/```[\s\S]*?(```|$)/g, ` ${codeBlock} `).replace(/[*_`#>|]+/g, ' ').replace(/\s+/g, ' ').trim()
}
