//! The plot: bars of the command figures, as SVG.

use crate::Results;
use crate::inits::Bench;
use crate::stats::Samples;
use std::fmt::Write as _;

const WIDTH: f64 = 900.0;
const COLUMN: f64 = WIDTH / 2.0;
/// Where the bars begin in a panel, and how long the longest one is.
const BARS: f64 = 110.0;
const LONGEST: f64 = 250.0;
const BAR: f64 = 18.0;
const TITLE: f64 = 46.0;

pub fn draw(bench: &Bench, results: &Results) -> String {
    let sizes =
        bench.inits.iter().map(|init| Some(init.path.metadata().ok()?.len() as f64 / 1024.0));
    let starts = results.starts.pinned.iter();
    let latencies = starts.clone().map(|it| Some(it.as_ref().ok()?.latency.median));
    let totals = starts.map(|it| Some(it.as_ref().ok()?.total.median));
    let [settled, _] = &results.starts.settled;
    let settled = settled.iter().map(|it| Some(it.as_ref().ok()?.median));
    let memory = results.starts.memory.iter().map(|it| Some(it.as_ref().ok()?.resident as f64));
    let orphans = results.orphans[1].iter().map(|it| Some(it.as_ref().ok()?.median));
    let panels: [(&str, Vec<Option<f64>>); 6] = [
        ("File, KiB (dynamic ones without their libc)", sizes.collect()),
        ("Start until the command runs, pinned, us", latencies.collect()),
        ("Start in total, pinned, us", totals.collect()),
        ("The same with every chore done, cgroup v2, us", settled.collect()),
        ("Resident idle, KiB", memory.collect()),
        ("CPU per orphan, 2,000 children alive, us", orphans.collect()),
    ];
    let panel_height = TITLE + BAR * bench.inits.len() as f64 + 14.0;
    let height = panel_height * panels.len().div_ceil(2) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    for (index, (title, values)) in panels.iter().enumerate() {
        let left = COLUMN * (index % 2) as f64;
        let top = panel_height * (index / 2) as f64;
        panel(&mut svg, bench, (left, top), title, values);
    }
    svg + "</svg>\n"
}

fn panel(svg: &mut String, bench: &Bench, corner: (f64, f64), title: &str, values: &[Option<f64>]) {
    let (left, top) = corner;
    let present = Samples::new(values.iter().flatten().copied().collect());
    // One that is far beyond the others would leave them no length.
    let largest = present.quantile(1.0).min(present.median() * 5.0);
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" font-size=\"14\" font-weight=\"bold\">{title}</text>",
        left + 14.0,
        top + 28.0
    )
    .unwrap();
    for (index, (init, value)) in bench.inits.iter().zip(values).enumerate() {
        let y = top + TITLE + BAR * index as f64;
        let x = left + BARS;
        let length = value.map_or(0.0, |value| (value / largest * LONGEST).clamp(1.0, LONGEST));
        let colour = match init.name {
            "sexton" => "#b3202a",
            "floor" => "#9aa5b1",
            _ => "#3f6c9b",
        };
        let number = match value {
            Some(value) if *value > largest => format!("» {value:.0}"),
            Some(value) if *value < 10.0 => format!("{value:.1}"),
            Some(value) => format!("{value:.0}"),
            None => "–".into(),
        };
        writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{x:.0}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{number}</text>",
            x - 6.0,
            y + 11.0,
            init.name,
            y + 1.0,
            x + length + 5.0,
            y + 11.0,
        )
        .unwrap();
    }
}
