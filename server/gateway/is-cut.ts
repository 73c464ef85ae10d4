/** Whether a chat answer ended before its model had ended it: its last words, or its last call of a tool, may be half of what was meant. */
export function isCut(finishReason: string): boolean {
  return finishReason === 'length' || finishReason === 'content_filter'
}
