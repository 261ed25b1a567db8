//! Messages of protocol buffers, as far as ONNX needs them: numbers as varints,
//! and everything else with its length before it.

/// Numbers of the fields in `onnx.proto`, by message.
pub(super) mod field {
    pub(in super::super) const MODEL_IR_VERSION: u32 = 1;
    pub(in super::super) const MODEL_PRODUCER: u32 = 2;
    pub(in super::super) const MODEL_PRODUCER_VERSION: u32 = 3;
    pub(in super::super) const MODEL_GRAPH: u32 = 7;
    pub(in super::super) const MODEL_OPSET: u32 = 8;
    pub(in super::super) const OPSET_VERSION: u32 = 2;
    pub(in super::super) const GRAPH_NODE: u32 = 1;
    pub(in super::super) const GRAPH_NAME: u32 = 2;
    pub(in super::super) const GRAPH_INITIALIZER: u32 = 5;
    pub(in super::super) const GRAPH_INPUT: u32 = 11;
    pub(in super::super) const GRAPH_OUTPUT: u32 = 12;
    pub(in super::super) const NODE_INPUT: u32 = 1;
    pub(in super::super) const NODE_OUTPUT: u32 = 2;
    pub(in super::super) const NODE_NAME: u32 = 3;
    pub(in super::super) const NODE_OPERATOR: u32 = 4;
    pub(in super::super) const NODE_ATTRIBUTE: u32 = 5;
    pub(in super::super) const ATTRIBUTE_NAME: u32 = 1;
    pub(in super::super) const ATTRIBUTE_FLOAT: u32 = 2;
    pub(in super::super) const ATTRIBUTE_INT: u32 = 3;
    pub(in super::super) const ATTRIBUTE_STRING: u32 = 4;
    pub(in super::super) const ATTRIBUTE_INTS: u32 = 8;
    pub(in super::super) const ATTRIBUTE_TYPE: u32 = 20;
    pub(in super::super) const TENSOR_DIMENSIONS: u32 = 1;
    pub(in super::super) const TENSOR_TYPE: u32 = 2;
    pub(in super::super) const TENSOR_NAME: u32 = 8;
    pub(in super::super) const TENSOR_BYTES: u32 = 9;
    pub(in super::super) const VALUE_NAME: u32 = 1;
    pub(in super::super) const VALUE_TYPE: u32 = 2;
    pub(in super::super) const TYPE_TENSOR: u32 = 1;
    pub(in super::super) const TENSOR_TYPE_ELEMENT: u32 = 1;
    pub(in super::super) const TENSOR_TYPE_SHAPE: u32 = 2;
    pub(in super::super) const SHAPE_DIMENSION: u32 = 1;
    pub(in super::super) const DIMENSION_VALUE: u32 = 1;
    pub(in super::super) const DIMENSION_NAME: u32 = 2;
}

/// How a field is encoded, the low bits of its key.
const VARINT: u64 = 0;
const LENGTH_DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

/// A message, field by field.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(super) fn number(mut self, field: u32, value: u64) -> Self {
        self.key(field, VARINT);
        self.varint(value);
        self
    }

    pub(super) fn numbers(self, field: u32, values: &[usize]) -> Self {
        values.iter().fold(self, |message, &value| message.number(field, value as u64))
    }

    pub(super) fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, FIXED_32);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    pub(super) fn bytes(mut self, field: u32, value: &[u8]) -> Self {
        self.key(field, LENGTH_DELIMITED);
        self.varint(value.len() as u64);
        self.bytes.extend(value);
        self
    }

    pub(super) fn text(self, field: u32, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub(super) fn message(self, field: u32, value: &Self) -> Self {
        self.bytes(field, &value.bytes)
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn key(&mut self, field: u32, kind: u64) {
        self.varint(u64::from(field) << 3 | kind);
    }

    fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                self.bytes.push(low & 0x7f);
                return;
            }
            self.bytes.push(low | 0x80);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the documentation of protocol buffers, "Encoding".
    #[test]
    fn messages_are_those_of_the_documentation() {
        assert_eq!(Message::default().number(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        let text = Message::default().text(2, "testing");
        assert_eq!(text.into_bytes(), b"\x12\x07testing");
        let inner = Message::default().number(1, 150);
        let outer = Message::default().message(3, &inner);
        assert_eq!(outer.into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        assert_eq!(Message::default().float(1, 1.0).into_bytes(), [0x0d, 0, 0, 0x80, 0x3f]);
        assert_eq!(Message::default().number(20, 1).into_bytes(), [0xa0, 0x01, 0x01]);
    }
}
