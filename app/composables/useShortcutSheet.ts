/** Whether the list of keys is open. */
export const useShortcutSheet = () => useState('shortcut-sheet', () => false)
