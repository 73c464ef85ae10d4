import type { Component, FunctionalComponent } from 'vue'

/** Shows what it wraps, and nothing else. */
const Bare: FunctionalComponent = (_, { slots }) => slots.default?.()
Bare.inheritAttrs = false

/**
 * A component around others, such as the menu of a button, that is loaded when somebody needs it: until then, what it will wrap stands
 * alone. Pages show many, and nobody opens more than a few.
 */
export function useOnDemand(fetchComponent: () => Promise<{ default: Component }>) {
  const component = shallowRef<Component>(Bare)
  return {
    component: shallowReadonly(component),
    loaded: computed(() => component.value !== Bare),
    /** Fetches it, so that it is there when it is needed. */
    prefetch: () => void fetchComponent().catch((error: unknown) => console.warn('A part of the page was not loaded ahead', error)),
    load: async () => {
      component.value = (await fetchComponent()).default
    }
  }
}
