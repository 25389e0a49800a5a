//! `layout.html`: the frame of every letter, and the style of every element
//! in it.
//!
//! Mail readers drop style sheets, so styles must stand on the elements
//! themselves. Inlining a letter takes longer than writing it, so the sheet
//! is inlined once, at load, over a specimen of every element that Markdown
//! can become; the letters are then written with those styles.

use std::collections::BTreeMap;

/// Where the letter goes in the layout.
const CONTENT: &str = "{{ content }}";

/// Every element that Markdown can become, in the places where it stands.
const SPECIMEN: &str = "<h1 id=s-h1>x</h1><h2 id=s-h2>x</h2><h3 id=s-h3>x</h3><p id=s-p>x <a id=s-a href=x>x</a> \
    <strong id=s-strong>x</strong> <em id=s-em>x</em> <s id=s-s>x</s> <code id=s-code>x</code></p>\
    <ul id=s-ul><li id=s-li>x</li></ul><ol id=s-ol></ol><blockquote id=s-blockquote>x</blockquote><hr id=s-hr>\
    <pre id=s-pre>x</pre><table id=s-table><thead><tr><th id=s-th>x</th></tr></thead>\
    <tbody><tr><td id=s-td>x</td></tr></tbody></table>";

const ELEMENTS: [&str; 18] = [
    "h1",
    "h2",
    "h3",
    "p",
    "a",
    "strong",
    "em",
    "s",
    "code",
    "ul",
    "li",
    "ol",
    "blockquote",
    "hr",
    "pre",
    "table",
    "th",
    "td",
];

/// The style of each element of a letter.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Styles(BTreeMap<&'static str, String>);

impl Styles {
    /// The value of its `style`, already fit for an attribute.
    #[must_use]
    pub fn of(&self, element: &str) -> Option<&str> {
        self.0.get(element).map(String::as_str)
    }
}

/// A layout made ready.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The page as a Tera template, its styles inlined.
    pub page: String,
    /// The styles for what stands in it.
    pub styles: Styles,
}

/// Inlines a layout's style sheet.
///
/// # Errors
/// In words: there is no place for the letter, or the sheet can't be read.
pub fn prepare(html: &str) -> Result<Layout, String> {
    let places = html.matches(CONTENT).count();
    if places != 1 {
        return Err(format!("the layout has `{CONTENT}` {places} times; the letter goes there, once"));
    }
    let page = inline(html)?;
    let specimen = inline(&html.replace(CONTENT, SPECIMEN))?;
    let styles = ELEMENTS
        .iter()
        .filter_map(|element| style_of(&specimen, element).map(|style| (*element, style)))
        .collect();
    Ok(Layout { page, styles: Styles(styles) })
}

/// Puts the rules of `<style>` onto the elements they match. A sheet marked
/// `data-css-inline="keep"` stays as it is: for `@media`, which can't be
/// inlined.
///
/// # Errors
/// In words, where the sheet can't be read.
pub fn inline(html: &str) -> Result<String, String> {
    css_inline::CSSInliner::options()
        .load_remote_stylesheets(false)
        .build()
        .inline(html)
        .map_err(|error| format!("the style sheet can't be inlined: {error}"))
}

/// The style attribute of the specimen's element, as it stands between its
/// quotes.
fn style_of(specimen: &str, element: &str) -> Option<String> {
    let id = format!(" id=\"s-{element}\"");
    let at = specimen.find(&id)?;
    let start = specimen[..at].rfind('<')?;
    let tag = &specimen[start..specimen[start..].find('>')? + start];
    let (_, style) = tag.split_once(" style=\"")?;
    style.split_once('"').map(|(style, _)| style.to_owned()).filter(|style| !style.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_moves_onto_the_elements_and_media_rules_stay() {
        let layout = prepare(
            "<html><head><style>body{margin:0} p{margin:1px;font-family:\"A B\",serif} td{color:red}</style>\
             <style data-css-inline=\"keep\">@media (x){p{color:blue}}</style></head>\
             <body>{{ content }}</body></html>",
        )
        .expect("a layout");
        assert!(layout.page.contains("<body style=\"margin: 0;\">{{ content }}"), "{}", layout.page);
        assert!(layout.page.contains("@media (x){p{color:blue}}"), "{}", layout.page);
        assert!(!layout.page.contains("color:red"), "{}", layout.page);
        assert_eq!(layout.styles.of("p"), Some("margin: 1px;font-family: 'A B',serif;"));
        assert_eq!(layout.styles.of("td"), Some("color: red;"));
        assert_eq!(layout.styles.of("h1"), None);
    }

    #[test]
    fn a_layout_without_a_place_for_the_letter_is_refused() {
        assert!(prepare("<html><body></body></html>").is_err());
        assert!(prepare("<html><body>{{ content }}{{ content }}</body></html>").is_err());
    }
}
