interface Shortcut { keys: string[], doesKey: string }

/** Every key that does something, for the sheet that tells of them: what binds them stands beside what they do. */
export const shortcuts: { titleKey: string, items: Shortcut[] }[] = [
  {
    titleKey: 'app.shortcuts.everywhere',
    items: [
      { keys: ['meta', 'k'], doesKey: 'app.shortcuts.search' },
      { keys: ['meta', 'shift', 'o'], doesKey: 'app.shortcuts.newChat' },
      { keys: ['g', 'p'], doesKey: 'app.shortcuts.goToProjects' },
      { keys: ['g', 'd'], doesKey: 'app.shortcuts.goToDashboard' },
      { keys: ['meta', '/'], doesKey: 'app.shortcuts.thisList' }
    ]
  },
  {
    titleKey: 'app.shortcuts.inConversation',
    items: [
      { keys: ['j'], doesKey: 'app.shortcuts.nextMessage' },
      { keys: ['k'], doesKey: 'app.shortcuts.messageBefore' },
      { keys: ['meta', 'shift', 'f'], doesKey: 'app.shortcuts.find' },
      { keys: ['escape'], doesKey: 'app.shortcuts.stop' }
    ]
  },
  {
    titleKey: 'app.shortcuts.whileWriting',
    items: [
      { keys: ['enter'], doesKey: 'app.shortcuts.send' },
      { keys: ['shift', 'enter'], doesKey: 'app.shortcuts.newLine' },
      { keys: ['arrowup'], doesKey: 'app.shortcuts.recall' }
    ]
  }
]
