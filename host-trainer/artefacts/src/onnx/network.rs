//! From a checkpoint to a graph.

use lcl_infer::{
    ConvGeometry, LayerKind, Name, PoolOrder,
    shape::{Border, WindowOperation, WindowPool},
};

use super::message::{Message, field};
use crate::checkpoint::{BatchNormWeights, Checkpoint, ConvWeights};

/// Version of the operators, and of the format that came with it.
const OPSET: u64 = 17;
const IR_VERSION: u64 = 8;

/// Types of elements and attributes in `onnx.proto`.
const FLOAT: u64 = 1;
const UINT8: u64 = 2;
const INT64: u64 = 7;
const ATTRIBUTE_FLOAT: u64 = 1;
const ATTRIBUTE_INT: u64 = 2;
const ATTRIBUTE_STRING: u64 = 3;
const ATTRIBUTE_INTS: u64 = 7;

/// The binomial blur `[1 2 1] ⊗ [1 2 1] / 16`.
const BINOMIAL: [f32; 9] = [0.0625, 0.125, 0.0625, 0.125, 0.25, 0.125, 0.0625, 0.125, 0.0625];

/// ONNX cannot say a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// A layer has no counterpart.
    #[error(
        "layer {layer} is of a kind that the export to ONNX does not know; it knows convolutions, \
         blur-max and plain pools: export a checkpoint without that layer"
    )]
    Layer {
        /// The layer.
        layer: Name,
    },
    /// The checkpoint lacks the weights of a convolution.
    #[error("the checkpoint has no weights for layer {layer}: export it again from its training")]
    Weights {
        /// The layer.
        layer: Name,
    },
}

/// Returns the float network of a checkpoint as an ONNX model.
///
/// # Errors
///
/// For a layer that ONNX cannot say, by its name.
pub fn to_onnx(checkpoint: &Checkpoint) -> Result<Vec<u8>, OnnxError> {
    let architecture = checkpoint.architecture();
    let mut graph = Graph::new(checkpoint);
    let mut weights = checkpoint.convolutions.iter();
    let mut channels = architecture.input().channels();
    for layer in architecture.layers() {
        let name = layer.name.as_str();
        match layer.kind {
            LayerKind::Conv(conv) => {
                let weights = weights.next().ok_or(OnnxError::Weights { layer: layer.name })?;
                graph.convolution(name, conv, weights);
            }
            LayerKind::Pool(order) => graph.pool(name, order, channels),
            LayerKind::WindowPool(pool) => graph.window_pool(name, pool),
            _ => return Err(OnnxError::Layer { layer: layer.name }),
        }
        channels = layer.kind.out_c(channels);
        if let Some(tap) = layer.tap {
            graph.output(&tap.as_str().to_lowercase(), channels);
        }
    }
    Ok(graph.into_model())
}

/// A graph that grows behind its last value.
#[derive(Debug)]
struct Graph {
    message: Message,
    /// The value that the next node takes.
    last: String,
}

impl Graph {
    /// Starts with bytes `[batch, height, width, 3]`, normalised and turned to
    /// `[batch, 3, height, width]`.
    fn new(checkpoint: &Checkpoint) -> Self {
        let name = "lcl-v2";
        let input = value("images", UINT8, &[Err("batch"), Err("height"), Err("width"), Ok(3)]);
        let message = Message::default().text(field::GRAPH_NAME, name);
        let message = message.message(field::GRAPH_INPUT, &input);
        let mut graph = Self { message, last: "images".to_owned() };
        graph.floats("white", &[1], &[255.0]);
        graph.floats("mean", &[3], &checkpoint.mean);
        graph.floats("std", &[3], &checkpoint.std);
        graph.node("Cast", "real", &[], &[number("to", FLOAT)]);
        graph.node("Div", "share", &["white"], &[]);
        graph.node("Sub", "centred", &["mean"], &[]);
        graph.node("Div", "normalised", &["std"], &[]);
        graph.node("Transpose", "planes", &[], &[numbers("perm", &[0, 3, 1, 2])]);
        graph
    }

    /// Convolution with its border, batch norm and ReLU.
    fn convolution(&mut self, name: &str, conv: ConvGeometry, weights: &ConvWeights) {
        let named = |part: &str| format!("{name}.{part}");
        let (padding, kernel) = (conv.padding(), conv.kernel());
        let mut pads = [0; 4];
        match conv.border() {
            Border::Reflect => {
                let around = [0, 0, padding, padding, 0, 0, padding, padding];
                self.integers(&named("pads"), &around);
                let mode = attribute("mode", ATTRIBUTE_STRING);
                let mode = mode.text(field::ATTRIBUTE_STRING, "reflect");
                self.node("Pad", &named("padded"), &[&named("pads")], &[mode]);
            }
            Border::Zero => pads = [padding; 4],
        }
        let shape = [conv.out_c(), conv.in_c(), kernel, kernel];
        self.floats(&named("weight"), &shape, &weights.conv.weight);
        self.floats(&named("bias"), &shape[..1], &weights.conv.bias);
        let attributes = [
            numbers("kernel_shape", &[kernel; 2]),
            numbers("strides", &[conv.stride(); 2]),
            numbers("pads", &pads),
        ];
        let inputs = [&*named("weight"), &named("bias")];
        self.node("Conv", &named("convolved"), &inputs, &attributes);

        let norm = &weights.bn;
        let parts = [
            ("scale", &norm.weight),
            ("shift", &norm.bias),
            ("running_mean", &norm.running_mean),
            ("running_var", &norm.running_var),
        ];
        for (part, values) in parts {
            self.floats(&named(part), &shape[..1], values);
        }
        let inputs = parts.map(|(part, _)| named(part));
        let inputs = inputs.each_ref().map(String::as_str);
        #[expect(clippy::cast_possible_truncation, reason = "PyTorch's, a float there too")]
        let epsilon = attribute("epsilon", ATTRIBUTE_FLOAT)
            .float(field::ATTRIBUTE_FLOAT, BatchNormWeights::EPSILON as f32);
        self.node("BatchNormalization", &named("normed"), &inputs, &[epsilon]);
        self.node("Relu", &named("active"), &[], &[]);
    }

    /// Window 3 and stride 2, in one of the three orders.
    fn pool(&mut self, name: &str, order: PoolOrder, channels: usize) {
        match order {
            PoolOrder::MaxBlur => {
                self.maximum(&format!("{name}.max"), [3, 1, 1]);
                self.blur(name, channels, 2);
            }
            PoolOrder::BlurMax => {
                self.blur(name, channels, 1);
                self.maximum(&format!("{name}.max"), [3, 2, 1]);
            }
            PoolOrder::Max => self.maximum(&format!("{name}.max"), [3, 2, 1]),
        }
    }

    fn window_pool(&mut self, name: &str, pool: WindowPool) {
        let window = [pool.side(), pool.stride(), pool.padding()];
        match pool.operation() {
            WindowOperation::Max => self.maximum(name, window),
            WindowOperation::Average => {
                let mut attributes = of_window(window).to_vec();
                attributes.push(number("count_include_pad", 1));
                self.node("AveragePool", name, &[], &attributes);
            }
        }
    }

    /// Nothing outside of the map is a maximum.
    fn maximum(&mut self, name: &str, window: [usize; 3]) {
        self.node("MaxPool", name, &[], &of_window(window));
    }

    /// Zeros lie outside of the map.
    fn blur(&mut self, name: &str, channels: usize, stride: usize) {
        let weight = format!("{name}.blur");
        self.floats(&weight, &[channels, 1, 3, 3], &BINOMIAL.repeat(channels));
        let mut attributes = of_window([3, stride, 1]).to_vec();
        attributes.push(number("group", channels as u64));
        self.node("Conv", &format!("{name}.blurred"), &[&weight], &attributes);
    }

    /// Hands out the last value, `[batch, H, W, C]`, beside what follows.
    fn output(&mut self, name: &str, channels: usize) {
        let before = self.last.clone();
        self.node("Transpose", name, &[], &[numbers("perm", &[0, 2, 3, 1])]);
        self.last = before;
        let [height, width] = ["height", "width"].map(|side| format!("{name}_{side}"));
        let shape = [Err("batch"), Err(&*height), Err(&*width), Ok(channels)];
        self.add(field::GRAPH_OUTPUT, &value(name, FLOAT, &shape));
    }

    /// Adds an operator on the last value and others; its output is the last.
    fn node(&mut self, operator: &str, output: &str, others: &[&str], attributes: &[Message]) {
        let mut node = Message::default().text(field::NODE_INPUT, &self.last);
        for other in others {
            node = node.text(field::NODE_INPUT, other);
        }
        node = node.text(field::NODE_OUTPUT, output).text(field::NODE_NAME, output);
        node = node.text(field::NODE_OPERATOR, operator);
        for attribute in attributes {
            node = node.message(field::NODE_ATTRIBUTE, attribute);
        }
        self.add(field::GRAPH_NODE, &node);
        output.clone_into(&mut self.last);
    }

    fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, FLOAT, shape, &bytes);
    }

    fn integers(&mut self, name: &str, values: &[usize]) {
        let bytes = values.iter().flat_map(|&value| (value as u64).to_le_bytes());
        self.tensor(name, INT64, &[values.len()], &bytes.collect::<Vec<u8>>());
    }

    fn tensor(&mut self, name: &str, of: u64, shape: &[usize], bytes: &[u8]) {
        let tensor = Message::default().numbers(field::TENSOR_DIMENSIONS, shape);
        let tensor = tensor.number(field::TENSOR_TYPE, of).text(field::TENSOR_NAME, name);
        self.add(field::GRAPH_INITIALIZER, &tensor.bytes(field::TENSOR_BYTES, bytes));
    }

    fn add(&mut self, field: u32, part: &Message) {
        self.message = std::mem::take(&mut self.message).message(field, part);
    }

    fn into_model(self) -> Vec<u8> {
        let opset = Message::default().number(field::OPSET_VERSION, OPSET);
        Message::default()
            .number(field::MODEL_IR_VERSION, IR_VERSION)
            .text(field::MODEL_PRODUCER, "lcl")
            .text(field::MODEL_PRODUCER_VERSION, env!("CARGO_PKG_VERSION"))
            .message(field::MODEL_GRAPH, &self.message)
            .message(field::MODEL_OPSET, &opset)
            .into_bytes()
    }
}

/// A value of the graph: its sides are numbers, or names of free ones.
fn value(name: &str, of: u64, shape: &[Result<usize, &str>]) -> Message {
    let shape = shape.iter().fold(Message::default(), |message, side| {
        let dimension = match side {
            Ok(side) => Message::default().number(field::DIMENSION_VALUE, *side as u64),
            Err(name) => Message::default().text(field::DIMENSION_NAME, name),
        };
        message.message(field::SHAPE_DIMENSION, &dimension)
    });
    let tensor = Message::default().number(field::TENSOR_TYPE_ELEMENT, of);
    let tensor = tensor.message(field::TENSOR_TYPE_SHAPE, &shape);
    let of = Message::default().message(field::TYPE_TENSOR, &tensor);
    Message::default().text(field::VALUE_NAME, name).message(field::VALUE_TYPE, &of)
}

fn attribute(name: &str, kind: u64) -> Message {
    Message::default().text(field::ATTRIBUTE_NAME, name).number(field::ATTRIBUTE_TYPE, kind)
}

fn number(name: &str, value: u64) -> Message {
    attribute(name, ATTRIBUTE_INT).number(field::ATTRIBUTE_INT, value)
}

fn numbers(name: &str, values: &[usize]) -> Message {
    attribute(name, ATTRIBUTE_INTS).numbers(field::ATTRIBUTE_INTS, values)
}

/// A square window: its side, stride and padding.
fn of_window([side, stride, padding]: [usize; 3]) -> [Message; 3] {
    [
        numbers("kernel_shape", &[side; 2]),
        numbers("strides", &[stride; 2]),
        numbers("pads", &[padding; 4]),
    ]
}
