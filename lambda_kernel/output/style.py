"""How what the kernel says looks in a notebook: the theme's colours, or VS Code's, or colours for white paper.

Their contrast is at least 4.5:1 (WCAG 2.1, 1.4.3), which tests/browser computes for JupyterLab's themes.
"""

SIZE = "85%"
COLOR = "var(--jp-ui-font-color2, var(--vscode-descriptionForeground, #666))"
STRONG = "var(--jp-ui-font-color1, var(--vscode-foreground, #222))"
BAR = "var(--jp-warn-color1, var(--vscode-editorWarning-foreground, #f57c00))"
# Indented as JupyterLab's text.
SMALL = f"font-size: {SIZE}; padding-left: var(--jp-code-padding, 0); color: {COLOR}"
