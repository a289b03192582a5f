"""The look of the product: base pages, components, design tokens, small scripts, and the page that shows them all."""
