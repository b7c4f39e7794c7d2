//! The form of a declaration, and the metric that is made of one.

use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, Result,
    core::Collector,
};

/// A label of a metric. Its values are words of this program or of the settings, never what a client sent (attack 25).
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values, for the reader of the page.
    pub values: &'static str,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// Counts up from the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets with these upper bounds.
    Histogram(&'static [f64]),
}

impl Type {
    /// Its word in the text that Prometheus reads.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One metric. Its unit is the end of its name: seconds, bytes, a ratio, else a number of things.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub metric: Type,
    /// Its labels.
    pub labels: &'static [Label],
    /// What it says.
    pub help: &'static str,
}

impl Declaration {
    fn opts(&self) -> Opts {
        Opts::new(self.name, self.help)
    }

    fn label_names(&self) -> Vec<&'static str> {
        self.labels.iter().map(|label| label.name).collect()
    }

    pub(crate) fn counters(&self, registry: &Registry) -> Result<IntCounterVec> {
        registered(registry, IntCounterVec::new(self.opts(), &self.label_names())?)
    }

    pub(crate) fn gauges(&self, registry: &Registry) -> Result<IntGaugeVec> {
        registered(registry, IntGaugeVec::new(self.opts(), &self.label_names())?)
    }

    /// Gauges of seconds with fractions, and of ratios.
    pub(crate) fn fractions(&self, registry: &Registry) -> Result<GaugeVec> {
        registered(registry, GaugeVec::new(self.opts(), &self.label_names())?)
    }

    pub(crate) fn histograms(&self, registry: &Registry) -> Result<HistogramVec> {
        let buckets = match self.metric {
            Type::Histogram(buckets) => buckets.to_vec(),
            Type::Counter | Type::Gauge => Vec::new(),
        };
        let opts = HistogramOpts::new(self.name, self.help).buckets(buckets);
        registered(registry, HistogramVec::new(opts, &self.label_names())?)
    }
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
