interface Shortcut { keys: string[], does: string }

/** Every key that does something, for the sheet that tells of them: what binds them stands beside what they do. */
export const shortcuts: { title: string, items: Shortcut[] }[] = [
  {
    title: 'Everywhere',
    items: [
      { keys: ['meta', 'k'], does: 'Search conversations, places and actions' },
      { keys: ['meta', 'shift', 'o'], does: 'New chat' },
      { keys: ['g', 'p'], does: 'Go to the projects' },
      { keys: ['g', 'd'], does: 'Go to the dashboard' },
      { keys: ['meta', '/'], does: 'This list' }
    ]
  },
  {
    title: 'In a conversation',
    items: [
      { keys: ['j'], does: 'Next message' },
      { keys: ['k'], does: 'Message before' },
      { keys: ['meta', 'shift', 'f'], does: 'Find in this conversation' },
      { keys: ['escape'], does: 'Stop the answer' }
    ]
  },
  {
    title: 'While writing',
    items: [
      { keys: ['enter'], does: 'Send' },
      { keys: ['shift', 'enter'], does: 'New line' },
      { keys: ['arrowup'], does: 'Bring the last message back into an empty field' }
    ]
  }
]
