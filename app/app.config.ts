export default defineAppConfig({
  ui: {
    colors: { primary: 'verdigris', neutral: 'ink', secondary: 'ink', info: 'verdigris' },
    button: { slots: { base: 'cursor-pointer' } },
    modal: { slots: { title: 'text-base', header: 'min-h-0 shrink-0' } },
    formField: { slots: { label: 'text-toned', help: 'text-xs', description: 'text-xs' } },
    table: {
      slots: {
        th: 'px-3 py-2 text-xs font-medium text-muted',
        td: 'px-3 py-2 text-sm text-default'
      }
    },
    empty: { defaultVariants: { variant: 'naked' } },
    dashboardNavbar: { slots: { root: 'border-default', title: 'text-sm font-medium' } },
    dashboardSidebar: { slots: { root: 'bg-muted/60', body: 'px-2 gap-4', header: 'px-2', footer: 'px-2' } }
  }
})
