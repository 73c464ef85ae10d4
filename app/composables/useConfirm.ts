import CommonConfirmDialog from '~/components/common/ConfirmDialog.vue'

/** Asks a question that has a destructive answer; true when the person chose it. */
export function useConfirm() {
  const overlay = useOverlay()
  // Made for each question: what is destroyed on close cannot be opened again.
  return async (question: { title: string, description: string, action: string }): Promise<boolean> =>
    await overlay.create(CommonConfirmDialog, { destroyOnClose: true }).open(question).result === true
}
