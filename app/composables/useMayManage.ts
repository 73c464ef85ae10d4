import { useMay } from '~/composables/useMay'

/** Whether the person at the screen runs this org: an owner or an admin. */
export const useMayManage = () => useMay('admin')
