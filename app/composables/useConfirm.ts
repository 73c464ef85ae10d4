import CommonConfirmDialog from '~/components/common/ConfirmDialog.vue'

/** Asks a question that has a destructive answer; true when the person chose it. */
export function useConfirm() {
  const dialog = useOverlay().create(CommonConfirmDialog, { destroyOnClose: true })
  return async (question: { title: string, description: string, action: string }): Promise<boolean> =>
    await dialog.open(question).result === true
}
