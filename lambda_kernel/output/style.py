"""How what the kernel says looks in a notebook: the theme's colours, or VS Code's, or colours for white paper.

Their contrast is at least 4.5:1 (WCAG 2.1, 1.4.3), which tests/browser computes for JupyterLab's themes.
"""

COLOR = "var(--jp-ui-font-color2, var(--vscode-descriptionForeground, #666))"
STRONG = "var(--jp-ui-font-color1, var(--vscode-foreground, #222))"
BAR = "var(--jp-warn-color1, var(--vscode-editorWarning-foreground, #f57c00))"
CODE_FONT = "font-family: var(--jp-code-font-family, monospace)"
FONT = "font-family: var(--jp-content-font-family, var(--vscode-font-family, sans-serif))"
SMALL = f"font-size: 92%; line-height: 1.4; color: {COLOR}"
# JupyterLab indents text by a character of the code's font (4.6); others do not, and lack the variable.
EDGE = (
    f"{CODE_FONT}; font-size: var(--jp-code-font-size, 13px); padding-left: min(1ch, 2 * var(--jp-code-padding, 0px))"
)
# A bar at the edge of the text. It takes no room.
BARRED = f"{EDGE}; box-shadow: inset 2px 0 {BAR}"


def at_edge(page: str, style: str, *, edge: str = EDGE) -> str:
    """HTML that begins where the output's text does."""
    return f'<div style="{edge}"><div style="{FONT}; {style}">{page}</div></div>'


def normal(page: str) -> str:
    return at_edge(page, "font-size: var(--jp-content-font-size1, 1rem)")


def small(page: str) -> str:
    return at_edge(page, SMALL)
